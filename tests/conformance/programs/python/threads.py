import threading
import time

finished = []


def work(number):
    time.sleep(0.2)
    finished.append(number)


threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(finished))
