const colors = { red: [255, 0, 0], green: "#0f0" } satisfies Record<string, string | number[]>;
console.log(colors.green.toUpperCase(), colors.red.length);
for (const [name, value] of Object.entries(colors)) console.log(name, value);
