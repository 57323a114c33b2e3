<?php
function dig(int $depth): int
{
    return dig($depth + 1) + 1;
}

echo dig(0), "\n";
