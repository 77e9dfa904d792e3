import multiprocessing
import sys

from shop.pages import first_half, second_half

if __name__ == "__main__":
    first_half()
    process = multiprocessing.get_context(sys.argv[1]).Process(target=second_half)
    process.start()
    process.join()
    assert process.exitcode == 0
