import { readFileSync } from "fs";

const größe: string = "Grüße, 世界 🦀";
console.log(größe);
const line = readFileSync(0, "utf8").trimEnd();
console.log(Array.from(line).reverse().join(""));
