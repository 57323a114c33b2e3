package People::Names;

our $FIRST = 'Ada';

1;
