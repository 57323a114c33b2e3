const name = "b";
console.log(name);
