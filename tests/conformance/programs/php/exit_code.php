<?php
echo "before\n";
exit(3);
