use strict;
use warnings;

use Greeting;
use People::Names;

print Greeting::greet($People::Names::FIRST), "\n";
