CREATE TABLE größe (wert TEXT);
INSERT INTO größe VALUES ('Grüße, 世界 🦀');
.import /dev/stdin größe
.mode list
.headers off
SELECT wert FROM größe;
