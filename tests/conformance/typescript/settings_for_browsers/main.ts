function first(list) { return list[0]; }
const e: MouseEvent | undefined = undefined;
console.log(first([1]), e);
