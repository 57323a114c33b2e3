echo "before the loop"
while true; do
    :
done
