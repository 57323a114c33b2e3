text="Grüße, 世界 🦀"
echo "$text"
read -r line
for ((i = ${#line} - 1; i >= 0; i--)); do
    printf '%s' "${line:i:1}"
done
echo
