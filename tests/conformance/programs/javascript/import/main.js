const { greet } = require("./greeting");
const names = require("./people/names.js");

console.log(greet(names.first));
