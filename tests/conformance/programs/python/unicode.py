größe = "Grüße, 世界 🦀"
print(größe)
print(input()[::-1])
