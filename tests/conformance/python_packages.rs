//! numpy, pandas and matplotlib within the usual limits, from a virtual environment that an operator adds.

use std::path::Path;

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

/// Made by scripts/install-packages.
const ENVIRONMENT: &str = "/opt/runbay-test-venv";

/// Starts a sandbox for the Python of the environment, with the recipe that comes with Runbay otherwise.
async fn host() -> Host {
    assert!(Path::new(ENVIRONMENT).is_dir(), "{ENVIRONMENT} is missing: run scripts/install-packages");
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../languages/python.toml");
    let recipe = std::fs::read_to_string(recipe).expect("the recipe is there");
    let recipe = recipe
        .replace("[\"python3\", \"{entry}\"", &format!("[\"{ENVIRONMENT}/bin/python3\", \"{{entry}}\""))
        .replace("[\"python3\", \"-i\"", &format!("[\"{ENVIRONMENT}/bin/python3\", \"-i\""))
        .replace("sources = ", &format!("mounts = [\"{ENVIRONMENT}\"]\nsources = "));
    assert_eq!(recipe.matches(ENVIRONMENT).count(), 3, "the recipe looks otherwise now: {recipe}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("python.toml"), recipe).expect("the recipe is written");
    Host::of_added("python", folder.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn numpy_pandas_and_matplotlib_work_within_the_usual_limits() {
    let host = host().await;
    for (code, expected) in [
        (
            "import numpy as np\nm = np.random.default_rng(1).random((300, 300))\n\
             print((m @ m).shape, np.linalg.inv(m).shape, np.linalg.eigvals(m).shape)\n",
            "(300, 300) (300, 300) (300,)\n",
        ),
        (
            "import pandas as pd\ntable = pd.DataFrame({'a': [1, 2, 3], 'b': [2.5, 3.5, 4.5]})\n\
             print(table.describe().loc['mean'].tolist())\n",
            "[2.0, 3.5]\n",
        ),
        (
            "import os\nos.environ['MPLBACKEND'] = 'Agg'\nimport matplotlib.pyplot as plt\n\
             plt.plot([1, 2, 3])\nplt.savefig('plot.png')\nprint(os.path.getsize('plot.png') > 5_000)\n",
            "True\n",
        ),
        // Untouched zeros are not used.
        ("import numpy as np\nx = np.zeros(1 << 28, dtype='u1')\nx[5] = 6\nprint(x[5], x.nbytes)\n", "6 268435456\n"),
        (
            "import numpy as np, threading\n\
             threads = [threading.Thread(target=lambda: np.ones((200, 200)) @ np.ones((200, 200))) for _ in range(20)]\n\
             for thread in threads: thread.start()\n\
             for thread in threads: thread.join()\nprint('done')\n",
            "done\n",
        ),
    ] {
        assert_eq!(host.printed("python", code).await, expected, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_that_does_not_fit_is_a_memory_limit() {
    let host = host().await;
    for (code, told) in [
        ("import numpy as np\nx = np.ones(1 << 28, dtype='u1')\n", ""),
        ("import numpy as np\nx = np.ones((100_000, 100_000))\n", "ArrayMemoryError"),
        ("import numpy as np\nx = np.zeros(1 << 40)\n", "ArrayMemoryError"),
    ] {
        let files = vec![("main.py".to_owned(), code.as_bytes().to_vec())];
        let (verdict, outcome) = host.run("python", Input { files, ..Input::default() }).await;
        assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit), "{code}: {outcome:#?}");
        assert!(outcome.facts.message.as_deref().is_some_and(|text| text.contains("128 MiB")), "{code}: {outcome:#?}");
        assert!(String::from_utf8_lossy(&outcome.output.stderr).contains(told), "{code}: {outcome:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_threads_is_one_unless_the_request_says_otherwise() {
    let host = host().await;
    let code = "import os\nprint(os.environ['OPENBLAS_NUM_THREADS'], os.environ['OMP_NUM_THREADS'])\n";
    assert_eq!(host.printed("python", code).await, "1 1\n");
    let files = vec![("main.py".to_owned(), code.as_bytes().to_vec())];
    let environment = vec![("OMP_NUM_THREADS".to_owned(), "2".to_owned())];
    let (_, outcome) = host.run("python", Input { files, environment, ..Input::default() }).await;
    assert_eq!(outcome.output.stdout, b"1 2\n", "{outcome:#?}");
}
