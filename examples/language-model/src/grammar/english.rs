//! The rules of the built-in grammar, as data.
//!
//! `Name -> weight symbols | ...` lists the ways to write out a symbol and `Name ~ word ...` its
//! words from the most to the least frequent; `grammar/notation.rs` tells the notation in full.
//! `{n}` stands for the number (`sg`, `pl`) and `{t}` for the tense (`pres`, `past`).
//!
//! What keeps every sentence down to one derivation:
//! - no word belongs to two categories, but for verbs written alike in both numbers of one tense,
//!   whose number the subject settles;
//! - a noun takes one modifier at most, so a modifier belongs to the noun just before it;
//! - manner adverbs only follow intransitive verbs and frequency adverbs only precede transitive
//!   ones, so an adverb between two verbs goes with one of them;
//! - after a noun `that` opens a relative clause, after a verb of speech what is said.

pub(super) const RULES: &str = "
Sentence -> 44 Clause.pres | 32 Clause.past | 12 Present Clause.pres | 12 Past Clause.past
Clause.{t} -> 58 Subject.sg Predicate.sg.{t} | 42 Subject.pl Predicate.pl.{t}

# The verb agrees with the noun at the head of its subject, however long the modifier between.
Subject.{n} -> 24 Pronoun.{n} | 76 NounPhrase.{n}
NounPhrase.sg -> 12 Name | 60 Nominal.sg | 28 Nominal.sg Modifier.sg
NounPhrase.pl -> 70 Nominal.pl | 30 Nominal.pl Modifier.pl
Nominal.{n} -> 68 Determiner.{n} Noun.{n} | 32 Determiner.{n} Adjective Noun.{n}
Modifier.{n} ->
    50 Preposition Object
    | 30 that Predicate.{n}.pres
    | 8 that Predicate.{n}.past
    | 12 that Subject.sg Transitive.sg.past
Object -> 16 ObjectPronoun | 50 NounPhrase.sg | 34 NounPhrase.pl

# The verb of a clause, and of what it reports, has the tense of the adverb that opens the
# sentence; verbs of relative clauses choose theirs freely.
Predicate.{n}.{t} ->
    22 Intransitive.{n}.{t}
    | 12 Intransitive.{n}.{t} Manner
    | 32 Transitive.{n}.{t} Object
    | 8 Frequency Transitive.{n}.{t} Object
    | 10 Be.{n}.{t} Doing Object
    | 9 Be.{n}.{t} Adjective
    | 7 Speech.{n}.{t} that Clause.{t}

Present ~ today now
Past ~ yesterday once earlier
Pronoun.sg ~ he she it
Pronoun.pl ~ they we you
ObjectPronoun ~ him her them us me
Name ~ anna peter maria david julia
Determiner.sg ~ the a every this one another
Determiner.pl ~ the some these many all two
Preposition ~ near behind with under beside above
Frequency ~ often never always rarely
Manner ~ quietly quickly happily loudly slowly
Adjective ~ tall small young big happy tired clever quiet strange brave

Noun.sg ~ man child dog woman cat bird farmer teacher horse doctor king student boat tree river
    house table garden bridge clock
Noun.pl ~ men children dogs women cats birds farmers teachers horses doctors kings students
    boats trees rivers houses tables gardens bridges clocks

Be.sg.pres -> 1 is
Be.pl.pres -> 1 are
Be.sg.past -> 1 was
Be.pl.past -> 1 were
Speech.sg.pres ~ says thinks knows
Speech.pl.pres ~ say think know
Speech.{n}.past ~ said thought knew

Intransitive.sg.pres ~ sleeps runs waits sings works smiles dances laughs swims falls
Intransitive.pl.pres ~ sleep run wait sing work smile dance laugh swim fall
Intransitive.{n}.past ~ slept ran waited sang worked smiled danced laughed swam fell

Transitive.sg.pres ~ sees likes finds follows helps watches calls hears carries chases paints visits
Transitive.pl.pres ~ see like find follow help watch call hear carry chase paint visit
Transitive.{n}.past ~ saw liked found followed helped watched called heard carried chased
    painted visited
Doing ~ seeing liking finding following helping watching calling hearing carrying chasing
    painting visiting
";
