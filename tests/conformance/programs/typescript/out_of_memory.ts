const hoard: number[][] = [];
while (true) {
  hoard.push(new Array<number>(10_000).fill(hoard.length));
}
