import { readFileSync } from "fs";
const lines = readFileSync(0, "utf8").split("\n");
const n = parseInt(lines[0]);
console.log(Number.isNaN(n), lines.length);
process.stdout.write("x\n");
process.exitCode = 0;
