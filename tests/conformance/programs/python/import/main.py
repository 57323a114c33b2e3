from greeting import greet
from people.names import FIRST

print(greet(FIRST))
