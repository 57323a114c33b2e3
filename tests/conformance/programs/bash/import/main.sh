source ./greeting.sh
source ./people/names.sh

greet "$first"
