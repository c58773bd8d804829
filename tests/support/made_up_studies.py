"""Studies of made-up scores, as the report takes them."""

import numpy as np

CONTENTS, STYLES = 6, 7
PAIRS = CONTENTS * STYLES
TRAINING = (0, 1)
TEST = [pair for pair in range(STYLES, PAIRS) if pair % STYLES > 1]  # 5 contents, 5 styles


def made_up(ahead=0.2, *, text="", singles=3, mixtures=2, noise=0.01, seed=0, training=TRAINING):
    """A study in which mixtures are ahead of single metrics on both axes."""
    random = np.random.default_rng(seed)
    objectives = [
        {
            "name": f"{kind} {k}{text}",
            "text": f"in words {text}",
            "metrics": ["gram", "swd" + text][: 1 + (kind == "mixture")],
            "networks": ["vgg16"],
            "kind": kind,
            "count": 1 + (kind == "mixture"),
        }
        for kind, count in (("single", singles), ("mixture", mixtures))
        for k in range(count)
    ]
    judges = [
        {"name": f"judge {k}{text}", "axis": axis, "metric": "cx" + text, "network": "alexnet"}
        for k, axis in enumerate(["effectiveness"] * 3 + ["coherence"] * 2)
    ]
    scores = noise * random.normal(size=(len(objectives), PAIRS, 5))
    scores += random.normal(0.5, 0.1, (1, PAIRS, 5))
    scores += 0.05 * random.normal(size=(len(objectives), 1, 1))
    scores[singles:] -= ahead
    held_out = np.ones((len(objectives), 5), bool)
    held_out[0, 1] = held_out[-1, 2] = False
    image = "data:image/png;base64,AAAA"
    return {
        "title": f"A study {text}",
        "command": f"jaxstyle study {text}",
        "settings": {"size": 64, "what" + text: text},
        "objectives": objectives,
        "contents": [{"name": f"content {k}{text}", "picture": image} for k in range(CONTENTS)],
        "styles": [{"name": f"style {k}{text}", "picture": image} for k in range(STYLES)],
        "judges": judges,
        "scores": scores.tolist(),
        "held_out": held_out.tolist(),
        "training_pairs": list(training),
        "pictures": {f"{objectives[0]['name']}|content 0{text}|style 1{text}": image},
        "facts": {"device": "cpu" + text},
    }
