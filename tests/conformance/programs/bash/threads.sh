for ((i = 0; i < 50; i++)); do
    sleep 0.2 &
done
finished=0
while wait -n; do
    finished=$((finished + 1))
done
echo "$finished"
