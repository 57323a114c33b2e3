const x = [3, 1, 2];
console.log(x.toSorted(), x.findLast((n) => n < 3), x.at(-1), x.with(0, 9), x.toSpliced(0, 1));
console.log(Object.hasOwn({ a: 1 }, "a"), structuredClone(x), "a-b".replaceAll("-", "+"));
