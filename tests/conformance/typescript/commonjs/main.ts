import * as lib from "./lib";
import other = require("./other");
console.log(lib.x, other());
module.exports = { done: true };
