PRAGMA recursive_triggers = on;
CREATE TABLE depth (level INTEGER);
CREATE TRIGGER dig AFTER INSERT ON depth BEGIN
    INSERT INTO depth VALUES (new.level + 1);
END;
INSERT INTO depth VALUES (0);
