.mode list
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number)
SELECT 'all work and no play' AS text FROM number;
