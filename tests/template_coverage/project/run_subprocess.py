import subprocess
import sys

from shop.pages import first_half

first_half()
subprocess.run([sys.executable, "-c", "from shop.pages import second_half; second_half()"], check=True)
