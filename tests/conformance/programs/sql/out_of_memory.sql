CREATE TABLE hoard (block BLOB);
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number)
INSERT INTO hoard SELECT randomblob(100000) FROM number;
