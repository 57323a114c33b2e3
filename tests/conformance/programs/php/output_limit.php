<?php
while (true) {
    echo "all work and no play\n";
}
