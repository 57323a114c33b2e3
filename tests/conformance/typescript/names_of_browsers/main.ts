const name = "a";
let status = 1;
function print(x: number) { console.log(x); }
const length = 3, event = "x", top = 1, self = 2, parent = 3, close = 4, open = 5;
print(status + length + top + self + parent + close + open); console.log(name, event);
