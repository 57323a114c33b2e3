const line: string = "before the loop";
console.log(line);
while (true) {}
