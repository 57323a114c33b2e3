hoard=x
while true; do
    hoard+=$hoard
done
