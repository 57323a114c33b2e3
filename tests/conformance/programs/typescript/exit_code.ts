const code: number = 3;
console.log("before");
process.exit(code);
