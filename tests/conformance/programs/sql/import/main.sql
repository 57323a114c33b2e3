.read greeting.sql
.read people/names.sql
SELECT greeting || ', ' || name || '!' AS text FROM greetings, names;
