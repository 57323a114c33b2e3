<?php
require "greeting.php";
require "people/names.php";

echo greet(FIRST), "\n";
