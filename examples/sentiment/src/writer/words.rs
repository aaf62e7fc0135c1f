//! The words that reviews are written with.

/// With their values, from the most to the least frequent.
pub(super) const ADJECTIVES: &[(&str, f64)] = &[
    ("good", 1.5),
    ("bad", -1.5),
    ("dull", -2.0),
    ("funny", 1.5),
    ("slow", -1.0),
    ("excellent", 2.5),
    ("weak", -1.0),
    ("moving", 2.0),
    ("ordinary", 0.0),
    ("terrible", -3.0),
    ("clever", 2.0),
    ("predictable", -1.0),
    ("brilliant", 3.0),
    ("boring", -2.0),
    ("solid", 1.0),
    ("flat", -1.5),
    ("charming", 2.0),
    ("awful", -3.0),
    ("decent", 0.5),
    ("clumsy", -1.5),
    ("gripping", 2.5),
    ("silly", -1.0),
    ("fresh", 1.5),
    ("lifeless", -2.5),
    ("wonderful", 2.5),
    ("thin", -1.0),
    ("familiar", 0.0),
    ("dreadful", -3.0),
    ("witty", 2.0),
    ("bland", -1.5),
    ("superb", 3.0),
    ("tedious", -2.0),
    ("watchable", 0.5),
    ("shallow", -1.5),
    ("lively", 1.5),
    ("horrible", -3.0),
    ("graceful", 2.0),
    ("uneven", -0.5),
    ("dazzling", 3.0),
    ("lazy", -2.0),
    ("likeable", 1.0),
    ("stupid", -2.5),
    ("subtle", 1.5),
    ("forgettable", -1.0),
    ("masterly", 3.0),
    ("unbearable", -3.0),
    ("pleasant", 1.0),
    ("hollow", -1.5),
    ("delightful", 2.5),
    ("embarrassing", -2.5),
    ("passable", 0.0),
    ("tender", 1.5),
    ("ridiculous", -2.5),
    ("flawless", 3.0),
    ("wooden", -2.0),
    ("inspired", 2.5),
    ("muddled", -1.5),
    ("spirited", 1.5),
    ("wretched", -3.0),
    ("honest", 1.0),
];

/// What they multiply a value by.
pub(super) const DEGREES: &[(&str, f64)] =
    &[("very", 1.25), ("slightly", 0.5), ("rather", 0.75), ("utterly", 1.5), ("quite", 1.0)];

pub(super) const ASPECTS: &[&str] =
    &["film", "acting", "story", "music", "ending", "dialogue", "script", "camera", "pace", "cast"];

pub(super) const NAMES: &[&str] = &[
    "anna", "peter", "maria", "david", "julia", "thomas", "clara", "martin", "helen", "victor",
    "irene", "samuel", "agnes", "walter", "nina", "oscar", "lydia", "simon", "edith", "felix",
    "greta", "hugo", "judith", "karl", "laura", "marcus", "nora", "otto", "paula", "rufus",
    "sarah", "tobias", "ursula", "vera", "wilma", "xavier", "yvonne", "zelda", "bruno", "celia",
];

/// From the most to the least frequent.
pub(super) const VERBS: &[&str] = &[
    "follows", "brings", "drives", "takes", "leads", "sends", "carries", "chases", "invites",
    "lures",
];

pub(super) const NOUNS: &[&str] = &[
    "farmer", "teacher", "doctor", "king", "student", "soldier", "baker", "pilot", "widow",
    "judge", "sailor", "thief", "singer", "lawyer", "butler", "nurse", "priest", "miner",
    "painter", "captain", "orphan", "tailor", "guard", "clerk", "hunter", "gambler", "actor",
    "waiter", "driver", "poet",
];

pub(super) const PLACES: &[&str] = &[
    "paris", "london", "rome", "berlin", "vienna", "madrid", "lisbon", "athens", "oslo", "cairo",
    "moscow", "prague", "dublin", "warsaw", "naples", "geneva", "boston", "chicago", "dallas",
    "denver", "toronto", "havana", "lima", "tokyo", "delhi", "seoul", "sydney", "tunis", "milan",
    "lyon",
];
