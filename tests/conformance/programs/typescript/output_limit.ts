const line: string = "all work and no play";
while (true) {
  console.log(line);
}
