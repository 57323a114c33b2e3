import { a } from "./lib/a.ts";
import { b } from "./lib/b.js";
import { c } from "./lib/c";
import d from "./lib/data.json";
import text from "./lib/text.txt";
import plain, { named } from "./lib/plain.js";
console.log(a, b, c, d.n, text.trim(), plain(2), named);
