<?php
$größe = "Grüße, 世界 🦀";
echo $größe, "\n";
preg_match_all("/./u", trim(fgets(STDIN)), $letters);
echo implode(array_reverse($letters[0])), "\n";
