"""Writes the text that the embedded model is trained on: short English documents about subnets, nodes,
weather and small stories, all made by a template grammar from one seed.

The same seed gives the same bytes on every machine and every Python: the generator brings its own random
numbers (SplitMix64) and depends on the standard library alone.

    python3 generate_text.py --seed 1 --documents 10      prints ten documents
"""

from __future__ import annotations

import argparse
import sys

MASK = (1 << 64) - 1


class SplitMix64:
    """A 64-bit random sequence; see Steele, Lea, Flood: "Fast splittable pseudorandom number generators"."""

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, count: int) -> int:
        return (self.next() * count) >> 64

    def choose(self, items):
        return items[self.below(len(items))]

    def sample(self, items, count):
        """`count` different items, in random order."""
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(count)]


# A `{symbol}` in a template is replaced by one of the symbol's alternatives. A document may fix a symbol
# (its hero, its place), which then reads the same throughout that document.
GRAMMAR: dict[str, list[str]] = {
    # Words
    "name": ["Ada", "Ben", "Mia", "Tom", "Lily", "Sam", "Nora", "Leo", "Ruth", "Finn", "Iris", "Max"],
    "creature": ["fox", "robot", "rabbit", "bear", "cat", "bird", "mouse", "turtle", "owl", "dog"],
    "trait": ["small", "young", "brave", "kind", "quiet", "clever", "shy", "old", "happy", "curious"],
    "home": ["forest", "village", "city", "valley", "garden", "house by the river", "tower on the hill"],
    "place": ["the forest", "the river", "the market", "the hill", "the bridge", "the garden", "the sea"],
    "thing": ["lamp", "key", "map", "book", "red ball", "blue stone", "bell", "boat", "kite", "radio"],
    "adverb": ["slowly", "quickly", "quietly", "carefully", "gladly", "again"],
    "food": ["bread", "soup", "an apple", "some cake", "warm tea", "berries"],
    "feeling": ["happy", "sad", "tired", "proud", "afraid", "calm", "surprised"],
    "time": ["One day", "One morning", "One evening", "The next day", "Later that day", "At noon"],
    "number": ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"],
    "many": ["a hundred", "two hundred", "a thousand", "ten thousand", "fifty", "thirty"],
    "region": ["the north", "the south", "the east", "the west", "the mountains", "the coast", "the valley"],
    "sky": ["clear", "grey", "cloudy", "bright", "dark", "blue"],
    "rain": ["light rain", "heavy rain", "a little snow", "strong wind", "thick fog", "a short storm"],
    "warmth": ["warm", "cold", "mild", "hot", "cool", "fresh"],
    "city": ["Berlin", "Lisbon", "Oslo", "Tokyo", "Boston", "Paris", "Lima", "Cairo"],
    "node": ["node one", "node two", "node three", "node four", "node five", "node six", "node seven"],
    "job": [
        "answers questions",
        "writes text",
        "stores files",
        "checks results",
        "serves a model",
        "counts words",
    ],
    "good": ["fast", "fair", "open", "safe", "simple", "honest", "useful", "strong"],
    "weekday": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    # Subnets
    "define_subnet": [
        "A subnet is a group of peers that work on one task together.",
        "A subnet is a small network of nodes that share the same rules.",
        "A subnet is a group of nodes that serve one model and check each other.",
        "A subnet is a team of computers that speak the same protocol.",
    ],
    "define_peer": [
        "A peer is a node that we can talk to directly.",
        "A peer is another computer in the same network.",
        "A peer is a node with a key, an address and a name.",
    ],
    "define_node": [
        "A node is a computer that runs the program and listens for calls.",
        "A node is one member of the network.",
        "A node is a machine that {job} for its peers.",
    ],
    "define_key": [
        "A key is a secret that proves who you are.",
        "A key is a large number that only one node knows.",
        "A key is used to sign messages, and everyone can check the signature.",
    ],
    "define_stream": [
        "A stream is a path for bytes between two peers.",
        "A stream is a conversation that both sides can close.",
        "A stream carries the tokens of an answer, one after the other.",
    ],
    "define_token": [
        "A token is a small piece of text.",
        "A token is a word or a part of a word.",
        "A token is what the model writes at each step.",
    ],
    "define_model": [
        "A model is a program that has learned from text.",
        "A model reads a prompt and writes the next token, again and again.",
        "A model is a large table of numbers that predicts the next word.",
    ],
    "define_bootnode": [
        "A bootnode is the first node that a new peer calls.",
        "A bootnode knows the addresses of many peers and shares them.",
    ],
    "define_validator": [
        "A validator is a node that checks the work of others.",
        "A validator asks questions, compares the answers and gives each node a score.",
    ],
    "define_miner": [
        "A miner is a node that does the work.",
        "A miner offers its computer to the subnet and earns a reward.",
    ],
    "define_protocol": [
        "A protocol is a set of rules for messages.",
        "A protocol says which message comes first and what the answer must be.",
    ],
    "define_address": [
        "An address tells other peers where to find a node.",
        "An address names a machine, a port and a key.",
    ],
    "subnet_fact": [
        "Each node has a key, and the key gives the node its name.",
        "Every message is signed, so nobody can pretend to be someone else.",
        "A new peer first calls the bootnode and asks for other peers.",
        "When a node stops, the other nodes continue the work.",
        "If one hoster is lost, another hoster continues the answer.",
        "No token is lost and no token is repeated.",
        "The nodes send small messages to each other all day and all night.",
        "A slow peer must wait, but a fast peer does not have to.",
        "A good subnet is {good}, {good2} and easy to join.",
        "The validators check the miners, and the miners do the work.",
        "The model writes one token at a time, and the stream carries it to the client.",
        "There is no single center, so there is no single point of failure.",
        "A node that breaks the rules is cut off, and the rest of the network goes on.",
        "Some nodes answer questions, and other nodes check the answers.",
        "The client does not need to know where the model runs.",
        "Anyone with a computer and a key can join.",
        "Peers find each other by asking the peers that they already know.",
        "All bytes between two peers are encrypted.",
        "Every call has a deadline, so nobody waits forever.",
        "Every queue has a limit, so no peer can fill the memory of another.",
        "In this subnet there are {many} nodes, and each of them {job}.",
        "The network grows when new peers join and it heals when old peers leave.",
    ],
    "subnet_end": [
        "That is how a subnet works.",
        "Together the nodes can do what one node alone cannot do.",
        "This is why many small computers can be as useful as one large computer.",
        "In the end, a subnet is only as strong as the peers that join it.",
        "So the answer arrives, even when a node is lost on the way.",
    ],
    "join_step": [
        "make a key and keep it safe",
        "start your node and choose a port",
        "call the bootnode and ask for peers",
        "open a stream to the nearest peer",
        "tell the others which protocols you speak",
        "wait until the model is ready",
        "send a short prompt and read the answer",
        "check the signature of every message",
        "write the address of each good peer in a book",
    ],
    # Diary of a node
    "diary": [
        "{Node} joined the subnet with {number} peers.",
        "{Node} sent a prompt, and the answer came back after {number} seconds.",
        "{Node} lost its connection and called again after a short wait.",
        "{Node} found {number} new peers and saved their addresses.",
        "A peer asked {node} for help, and {node} answered at once.",
        "The model on {node} wrote {many} tokens without a pause.",
        "A message arrived with a bad signature, and {node} closed the stream.",
        "The bootnode sent a list of {number} peers to {node}.",
        "{Node} was busy, so the client tried another hoster.",
        "{Node} checked {many} answers, and all of them were right.",
        "The network was quiet, and {node} slept for {number} minutes.",
    ],
    # Weather
    "weather_open": [
        "The weather in {region} is {warmth} today.",
        "The weather today is {warmth}, and the sky is {sky}.",
        "Today the sky over {city} is {sky}.",
        "It is a {warmth} day in {city}.",
    ],
    "weather_fact": [
        "There will be {rain} in {region} in the morning.",
        "In the afternoon the sky will be {sky}.",
        "The wind comes from {region} and brings {rain}.",
        "Tomorrow will be {warmth} with {rain}.",
        "On {weekday} the sun will shine for {number} hours.",
        "People in {city} should take a coat and a hat.",
        "The night will be {warmth} and {sky}.",
        "It may rain in {city}, but {region} will stay dry.",
        "The sea is calm, and the boats can leave the harbor.",
        "After the rain the air will be {warmth} and clean.",
    ],
    "weather_end": [
        "The next report comes on {weekday}.",
        "Have a good day.",
        "Stay dry and stay warm.",
        "That is the weather for today.",
    ],
    # Stories
    "open_story": [
        "Once upon a time there was a {trait} {creature} named {hero}.",
        "Once upon a time, a {trait} {creature} named {hero} lived in a {home}.",
        "There once was a {trait} {creature} named {hero}.",
        "Long ago, a {trait} {creature} named {hero} lived near {place}.",
    ],
    "settle": [
        "{hero} lived in a {home} and had a {thing}.",
        "{hero} loved the {thing} more than anything else.",
        "Every day {hero} walked to {place} and looked at the water.",
        "{hero} liked to eat {food} and to listen to the wind.",
        "All the others in the {home} knew {hero} well.",
    ],
    "trouble": [
        "{time}, {hero} lost the {thing} near {place}.",
        "{time}, the {thing} was gone, and {hero} was {feeling}.",
        "{time}, a storm came, and {hero} could not find the way home.",
        "{time}, the {thing} fell into the river.",
        "{time}, {hero} heard a strange sound behind {place}.",
    ],
    "meet": [
        "Then {hero} met a {trait2} {creature2} named {friend}.",
        "A {trait2} {creature2} named {friend} came along the road.",
        "Near {place}, {hero} saw a {trait2} {creature2} named {friend}.",
    ],
    "talk": [
        '"Why are you so {feeling}?" asked {friend}. "I have lost my {thing}," said {hero}.',
        '"Can you help me?" asked {hero}. "Of course I can," said {friend}.',
        '"Let us look for the {thing} together," said {friend}.',
        '"Do not be afraid," said {friend}. "We will find it."',
        '"I know the way," said {friend}. "Come with me."',
    ],
    "search": [
        "They looked in {place2}, but the {thing} was not there.",
        "They walked {adverb} from {place} to {place2}.",
        "{friend} asked {number} birds, and one of them knew the answer.",
        "{hero} climbed a tall tree and looked in every direction.",
        "They crossed the bridge and went {adverb} through the fog.",
        "They rested under a tree and ate {food}.",
        "{hero} was {feeling}, but {friend} did not give up.",
    ],
    "solve": [
        "At last {hero} found the {thing} under an old tree.",
        "At last {friend} saw the {thing} in the grass.",
        "Behind a big stone they found the {thing}.",
        "Then the sun came out, and there was the {thing}.",
    ],
    "close_story": [
        "{hero} and {friend} were friends from that day on.",
        "{hero} said thank you, and they went home together.",
        "They shared {food} and laughed until the evening.",
        "And they lived happily ever after.",
        "From that day on, {hero} was never alone again.",
        "That night {hero} slept well and dreamed of the sea.",
    ],
    # Small talk
    "greeting": [
        "Hello. How are you today?",
        "Hello, my friend. It is good to see you.",
        "Good morning. Did you sleep well?",
        "Good evening. Please come in and sit down.",
        "Hello, world. This is a small model that writes simple sentences.",
    ],
    "chat": [
        "I am well, thank you. I had {food} this morning.",
        "I went to {place} with {name} on {weekday}.",
        "Have you seen {name}? We want to go to {place} together.",
        "The weather is {warmth}, so we can stay outside.",
        "My computer is a node now, and it {job}.",
        "I will call you on {weekday}, when the work is done.",
        "Please tell {name} that the {thing} is ready.",
    ],
    "goodbye": [
        "Good night, and thank you.",
        "See you soon.",
        "Take care of yourself.",
        "See you on {weekday}.",
    ],
}

TERMS = [
    "subnet", "peer", "node", "key", "stream", "token", "model",
    "bootnode", "validator", "miner", "protocol", "address",
]  # fmt: skip


def article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


class Author:
    """Writes documents, one after the other, from one random sequence."""

    def __init__(self, seed: int) -> None:
        self.random = SplitMix64(seed)

    def expand(self, symbol: str, fixed: dict[str, str]) -> str:
        capital = symbol[0].isupper() and symbol not in GRAMMAR
        key = symbol.lower() if capital else symbol
        text = fixed.get(key) or self.fill(self.random.choose(GRAMMAR[key]), fixed)
        return text[0].upper() + text[1:] if capital else text

    def fill(self, template: str, fixed: dict[str, str]) -> str:
        parts = template.split("{")
        text = parts[0]
        for part in parts[1:]:
            symbol, rest = part.split("}")
            value = self.expand(symbol, fixed)
            # "a old owl" -> "an old owl"
            if value[0] in "aeiou" and (text.endswith(" a ") or text in ("a ", "A ") or text.endswith(".A ")):
                text = text[:-1] + "n "
            text += value + rest
        return text

    def lines(self, symbol: str, count: int, fixed: dict[str, str]) -> list[str]:
        """`count` sentences from different alternatives."""
        chosen = self.random.sample(GRAMMAR[symbol], min(count, len(GRAMMAR[symbol])))
        return [self.fill(template, fixed) for template in chosen]

    def story(self) -> list[str]:
        hero, friend = self.random.sample(GRAMMAR["name"], 2)
        creature, creature2 = self.random.sample(GRAMMAR["creature"], 2)
        trait, trait2 = self.random.sample(GRAMMAR["trait"], 2)
        place, place2 = self.random.sample(GRAMMAR["place"], 2)
        fixed = {
            "hero": hero, "friend": friend, "creature": creature, "creature2": creature2, "trait": trait,
            "trait2": trait2, "place": place, "place2": place2,
            "thing": self.random.choose(GRAMMAR["thing"]), "home": self.random.choose(GRAMMAR["home"]),
        }  # fmt: skip
        first = self.lines("open_story", 1, fixed) + self.lines("settle", 1 + self.random.below(3), fixed)
        text = [" ".join(first)]
        for episode in range(1 + self.random.below(3)):
            middle = self.lines("trouble", 1, fixed)
            if episode == 0:
                middle += self.lines("meet", 1, fixed)
            text.append(" ".join(middle + self.lines("talk", 1 + self.random.below(2), fixed)))
            last = self.lines("search", 1 + self.random.below(4), fixed)
            text.append(" ".join(last + self.lines("solve", 1, fixed)))
            fixed["thing"] = self.random.choose(GRAMMAR["thing"])
            fixed["place"], fixed["place2"] = self.random.sample(GRAMMAR["place"], 2)
        text[-1] += " " + " ".join(self.lines("close_story", 1 + self.random.below(3), fixed))
        if self.random.below(6) == 0:
            requests = ["Tell me a story.", "Please tell me a story.", "Write a story."]
            text.insert(0, self.random.choose(requests))
        return text

    def about_subnets(self) -> list[str]:
        term = "subnet" if self.random.below(3) == 0 else self.random.choose(TERMS)
        fixed = {}
        fixed["good"], fixed["good2"] = self.random.sample(GRAMMAR["good"], 2)
        opening = self.lines("define_" + term, 1 + self.random.below(2), fixed)
        facts = self.lines("subnet_fact", 3 + self.random.below(9), fixed)
        others = [other for other in self.random.sample(TERMS, 2) if other != term]
        middle = [self.fill(self.random.choose(GRAMMAR["define_" + other]), fixed) for other in others]
        cut = 1 + self.random.below(len(facts) - 1)
        text = [" ".join(opening + facts[:cut]), " ".join(middle + facts[cut:])]
        text[1] += " " + self.lines("subnet_end", 1, fixed)[0]
        if self.random.below(3) == 0:
            text.insert(0, f"What is {article(term)} {term}?")
        return text

    def how_to_join(self) -> list[str]:
        steps = self.random.sample(GRAMMAR["join_step"], 4 + self.random.below(3))
        title = self.random.choose(["How do I join a subnet?", "To join a subnet, follow these steps.", ""])
        order = ["First,", "Then", "After that,", "Next,", "Now", "In the end,"]
        middle = [order[min(index, len(order) - 2)] for index in range(len(steps) - 1)] + [order[-1]]
        body = " ".join(f"{word} {step}." for word, step in zip(middle, steps))
        return [line for line in [title, body, " ".join(self.lines("subnet_fact", 2, self.pair()))] if line]

    def pair(self) -> dict[str, str]:
        good, good2 = self.random.sample(GRAMMAR["good"], 2)
        return {"good": good, "good2": good2}

    def diary(self) -> list[str]:
        node = self.random.choose(GRAMMAR["node"])
        days = 2 + self.random.below(3)
        first = self.random.below(7)
        text = []
        for day in range(days):
            weekday = GRAMMAR["weekday"][(first + day) % 7]
            lines = self.lines("diary", 2 + self.random.below(3), {"node": node})
            text.append(f"{weekday}. " + " ".join(lines))
        return text

    def weather(self) -> list[str]:
        fixed = {"city": self.random.choose(GRAMMAR["city"])}
        text = self.lines("weather_open", 1, fixed)
        text += self.lines("weather_fact", 3 + self.random.below(5), fixed)
        question = ["How is the weather today?"] if self.random.below(5) == 0 else []
        return question + [" ".join(text + self.lines("weather_end", 1, fixed))]

    def small_talk(self) -> list[str]:
        text = self.lines("greeting", 1, {}) + self.lines("chat", 2 + self.random.below(4), {})
        return [" ".join(text + self.lines("goodbye", 1, {}))]

    def document(self) -> str:
        """One document: paragraphs of whole sentences, parted by single newlines; no newline at the end."""
        kinds = [self.story] * 6 + [self.about_subnets] * 6 + [self.diary] * 2 + [self.weather] * 2
        kinds += [self.how_to_join, self.small_talk]
        return "\n".join(self.random.choose(kinds)())


def documents(seed: int, count: int) -> list[str]:
    author = Author(seed)
    return [author.document() for _ in range(count)]


def words(text: str) -> list[str]:
    """Words as the tests count them: the longest runs of ASCII letters, in lower case."""
    found, word = [], ""
    for character in text + " ":
        if character.isascii() and character.isalpha():
            word += character.lower()
        elif word:
            found.append(word)
            word = ""
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints training text.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=10)
    arguments = parser.parse_args()
    sys.stdout.write("\n\n".join(documents(arguments.seed, arguments.documents)) + "\n")
