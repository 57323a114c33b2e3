function* numbers(): Generator<number, void, undefined> { yield 1; yield 2; }
async function* later(): AsyncGenerator<string> { yield "a"; }
for (const n of numbers()) console.log(n);
for await (const s of later()) console.log(s);
const results = await Promise.allSettled([Promise.resolve(1), Promise.any([Promise.resolve(2)])]);
console.log(results.map((r) => r.status), [..."añ"].length, 2n ** 64n, 1_000);
const map = new Map<string, number[]>([["a", [1]]]);
console.log(map.get("a")?.[0] ?? 0, new WeakRef(map).deref() === map, Object.fromEntries(map));
const format = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
console.log(format.format(1), new Intl.ListFormat("en").format(["a", "b"]), /(?<year>\d+)/v.exec("2024")?.groups?.year);
const array = []; array.push(1); console.log(array);
