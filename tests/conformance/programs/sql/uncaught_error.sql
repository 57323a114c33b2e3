CREATE TABLE flux (level INTEGER CHECK (level > 0));

INSERT INTO flux VALUES (0);
