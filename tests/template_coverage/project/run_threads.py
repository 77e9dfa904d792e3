from threading import Thread

from shop.pages import first_half, second_half

threads = [Thread(target=first_half), Thread(target=second_half)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
