if [ 1 -lt 2 ]; then
    echo "less"
done
