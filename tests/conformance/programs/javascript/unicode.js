const größe = "Grüße, 世界 🦀";
console.log(größe);
const line = require("fs").readFileSync(0, "utf8").trimEnd();
console.log([...line].reverse().join(""));
