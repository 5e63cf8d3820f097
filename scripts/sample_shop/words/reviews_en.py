"""English review sentences: (what it fits, aspect, good?, text); a review never says two things about one aspect.

What a sentence fits: "*", or categories, kinds, product ids or "wireless", separated by semicolons.
"""

from __future__ import annotations

SENTENCES: list[tuple[str, str, bool, str]] = [
    # shoes
    ("shoes", "sole", True, "The sole grips well even on wet pavement."),
    ("shoes", "sole", False, "After three weeks the sole started to peel off at the toe."),
    ("shoes", "fit", True, "True to size and comfortable straight out of the box."),
    ("shoes", "fit", False, "They run at least half a size small and pinch across the toes."),
    ("shoes", "comfort", True, "I wore them all day at a fair and my feet felt great."),
    ("shoes", "comfort", False, "The heel rubs terribly, I had blisters after one walk."),
    ("running shoe", "cushioning", True, "Soft landing, lively push-off, my knees are happy again."),
    ("running shoe", "laces", False, "The laces come undone every kilometre, which is really annoying."),
    ("hiking boot;rain boot", "water", True, "Stood in a stream for ten minutes and my socks stayed dry."),
    ("hiking boot;rain boot", "water", False, "Waterproof is a joke, my feet were soaked after an hour of rain."),
    ("shoes", "colour", True, "The colour is even nicer than in the photo."),
    ("sneaker;loafer", "stitching", True, "Beautiful stitching and lovely leather."),
    ("loafer;chelsea boot", "leather", False, "The leather creases badly and already looks cheap."),
    # bags
    ("backpack;BAG-12;BAG-13", "zip", True, "The zip runs smoothly, no snagging at all."),
    ("backpack;BAG-12;BAG-13", "zip", False, "The zip broke on the second trip, very disappointing."),
    ("backpack;tote bag", "space", True, "Swallows my laptop, lunch and gym things with ease."),
    ("backpack;tote bag", "space", False, "Much smaller than it looks in the picture."),
    ("suitcase", "space", True, "Easily takes clothes for four days, very well laid out inside."),
    ("suitcase", "space", False, "Terrible layout inside, half the space is lost to the handle."),
    ("backpack", "straps", True, "The straps are well padded and comfortable even when it is full."),
    ("backpack", "straps", False, "The straps cut into my shoulders and one is coming loose."),
    ("suitcase", "wheels", True, "The wheels are wonderfully quiet, even on cobbles."),
    ("suitcase", "wheels", False, "One wheel was broken on arrival and it pulls to the left."),
    ("tote bag", "handles", True, "Sturdy handles, long enough for the shoulder."),
    ("tote bag", "smell", False, "It has an awful chemical smell that won't go away."),
    ("bags", "colour", True, "Great colour, I get compliments on it all the time."),
    ("bags", "stitching", False, "The stitching at the bottom is poor and came undone within a month."),
    # tops
    ("tops", "fabric", True, "The fabric is soft and feels durable, excellent quality for the price."),
    ("tops", "fabric", False, "The fabric is thin and scratchy, you can see right through it."),
    ("tops", "washing", True, "Still looks like new after a dozen washes."),
    ("tops", "washing", False, "It shrank two sizes in the first wash, useless now."),
    ("tops", "fit", True, "Fits perfectly, not too tight and not too long."),
    ("tops", "fit", False, "The sleeves are far too long and the body is too short."),
    ("hoodie", "warmth", True, "Wonderfully warm, I live in it at weekends."),
    ("TOP-01;TOP-04;TOP-08;TOP-09;TOP-13", "print", True, "The print is crisp and hasn't cracked."),
    ("TOP-01;TOP-04;TOP-08;TOP-09;TOP-13", "print", False, "The print began to flake off after two weeks, horrible."),
    ("tops", "colour", False, "The colour is nothing like the photo and it bleeds in the wash."),
    ("tops", "colour", True, "Love the colour, bright without being loud."),
    # kitchen
    ("mug", "handle", True, "The handle is big enough for a whole hand, such a nice mug to hold."),
    ("mug", "glaze", True, "Gorgeous glaze, every sip feels like a treat."),
    ("mug", "glaze", False, "The glaze is chipped at the rim and feels rough, not acceptable."),
    ("mug", "heat", False, "Coffee goes cold in minutes and the outside gets far too hot."),
    ("teapot;kettle", "spout", True, "Pours cleanly, not a single drip."),
    ("teapot;kettle", "spout", False, "The spout drips all over the table every single time."),
    ("teapot", "lid", False, "The lid doesn't fit and falls off when you pour."),
    ("kettle", "speed", True, "Boils quickly and feels well made."),
    ("KIT-14", "sound", True, "The whistle is loud and cheerful, you can't miss it."),
    ("kettle", "rust", False, "There was rust inside after a month, disgusting."),
    ("kitchen", "size", True, "A very good size, just right for the morning."),
    ("kitchen", "size", False, "It holds much less than promised."),
    ("mug", "dishwasher", True, "Survives the dishwasher without a scratch."),
    ("mug;teapot", "packaging", False, "It arrived broken because it was badly packed."),
    # lamps
    ("desk lamp;table lamp", "light", True, "The light is warm and pleasant, perfect for reading in bed."),
    ("desk lamp;table lamp", "light", False, "The light flickers and gives me a headache."),
    ("desk lamp;table lamp", "stability", True, "Solid base, it doesn't wobble at all."),
    ("desk lamp;table lamp", "stability", False, "It tips over if you so much as look at it."),
    ("desk lamp", "arm", True, "The arm stays exactly where I put it, well engineered."),
    ("desk lamp", "arm", False, "The arm sags slowly, so useless for drawing."),
    ("desk lamp;table lamp;camping lantern", "switch", True, "The switch has a satisfying click."),
    ("desk lamp;table lamp;camping lantern", "switch", False, "The switch stopped working after a week."),
    ("table lamp;paper lantern", "shade", True, "The shade glows beautifully in the evening."),
    ("table lamp", "shade", False, "The shade was dented and crooked when it arrived."),
    ("camping lantern", "outdoor", True, "Took it camping for a week and it never let us down."),
    ("camping lantern", "charge", False, "It went dark after an hour in the tent, really bad."),
    ("paper lantern", "frame", True, "Hung it over the table in two minutes, it gives a lovely soft light."),
    ("paper lantern", "frame", False, "One rib was bent and the paper was torn, very poor."),
    ("lamps", "looks", True, "It looks far more expensive than it was."),
    # audio
    ("audio", "sound", True, "The sound is clear and rich, with great bass."),
    ("audio", "sound", False, "The sound is tinny and distorts as soon as you turn it up."),
    ("headphones", "comfort", True, "So comfortable that I forget I am wearing them."),
    ("headphones", "comfort", False, "They squeeze my head and hurt after half an hour."),
    ("AUD-01;AUD-02", "noise", True, "The noise cancelling is brilliant on the train."),
    ("wireless", "battery", True, "The battery lasts for days, very impressive."),
    ("wireless", "battery", False, "The battery is dead after two hours, nothing like the advertised time."),
    ("AUD-01;AUD-03;AUD-04;AUD-07", "microphone", False, "The microphone is awful, nobody understands me on calls."),
    ("speaker;radio", "build", True, "Feels solid and looks lovely on the shelf."),
    ("radio", "reception", True, "Excellent reception even in our stone kitchen."),
    ("radio", "reception", False, "Reception is poor, mostly hiss."),
    ("wireless", "pairing", False, "Loses the connection all the time, so frustrating."),
    ("wireless", "pairing", True, "Pairing was easy and it just works."),
    # clocks
    ("alarm clock;digital clock", "alarm", True, "Finally an alarm that wakes me up, love it."),
    ("alarm clock;digital clock", "alarm", False, "The alarm did not go off twice and I was late for work."),
    ("wall clock", "sound", True, "Completely silent, ideal for the bedroom."),
    ("alarm clock;wall clock", "sound", False, "The ticking is so loud that it drives me mad at night."),
    ("clocks", "accuracy", True, "Keeps perfect time, not a second off since spring."),
    ("clocks", "accuracy", False, "It loses ten minutes a week, which is a bad joke for a clock."),
    ("clocks", "looks", True, "A beautiful clock, the best thing on that wall of ours."),
    ("alarm clock;wall clock", "hands", True, "Large, clear hands that I can read without glasses."),
    ("digital clock", "brightness", True, "Nice dim digits at night, they don't hurt the eyes."),
    ("digital clock", "brightness", False, "Far too bright at night, it lights up the whole room."),
    ("clocks", "build", False, "Feels flimsy, it broke the first time it fell over."),
    ("clocks", "setting", True, "Easy to set, no manual needed."),
    # toys
    ("toys", "child", True, "My daughter loves it and takes it everywhere."),
    ("toys", "child", False, "My son lost interest after five minutes, sadly."),
    ("toys", "durability", True, "It has been thrown down the stairs twice and is still fine."),
    ("toys", "durability", False, "It broke on the first day, terrible quality."),
    ("teddy bear", "fur", True, "Super soft fur, the best cuddle in the house."),
    ("teddy bear", "fur", False, "The fur comes out in clumps, not safe for a baby."),
    ("toy car;toy train", "wheels", True, "The wheels run beautifully on carpet and on sand."),
    ("toy car;toy train", "wheels", False, "A wheel fell off within an hour, dangerous for small children."),
    ("toy car;toy train;robot;xylophone", "paint", True, "Lovely colours and no smell of paint."),
    ("toy car;toy train;robot;xylophone", "paint", False, "The paint smells bad and comes off on the fingers."),
    ("xylophone", "sound", True, "It is actually in tune, what a nice surprise."),
    ("rubber duck", "sound", True, "Squeaks like a champion, bath time is fun again."),
    ("robot", "sound", False, "The motor makes a horrible grinding noise."),
    ("toys", "gift", True, "A perfect present for a third birthday."),
    # anything
    ("*", "delivery", True, "Delivery was fast and everything was well packed."),
    ("*", "delivery", True, "Arrived a day early, thank you!"),
    ("*", "delivery", False, "Delivery took three weeks and nobody answered my mails."),
    ("*", "delivery", False, "The box was crushed when it finally arrived."),
    ("*", "price", True, "Great value for money."),
    ("*", "price", True, "Worth every cent."),
    ("*", "price", False, "Overpriced for what it is."),
    ("*", "service", True, "Customer service was friendly and helpful when I had a question."),
    ("*", "service", False, "Customer service was rude and refused a refund."),
    ("*", "overall", True, "I would happily buy it again."),
    ("*", "overall", True, "Highly recommended."),
    ("*", "overall", False, "I regret buying it and am sending it back."),
    ("*", "overall", False, "Would not recommend."),
]

#: Complaints that cost no more than a star.
SMALL: list[tuple[str, str, bool, str]] = [
    ("*", "price", False, "It could be a little cheaper."),
    ("*", "delivery", False, "Delivery took a day longer than promised."),
    ("*", "packaging", False, "There was a bit too much packaging."),
    ("*", "choice", False, "I wish it came in more colours."),
    ("lamps;clocks;audio;kettle", "setting", False, "The manual is printed far too small."),
    ("shoes;tops", "fit", False, "The size chart takes some guessing."),
    ("bags", "pocket", False, "One more inside pocket would be nice."),
    ("toys", "size", False, "It is a bit smaller than I imagined."),
    ("mug;tumbler;teapot", "size", False, "It could hold a little more."),
]

#: How a mixed review turns from the good to the bad.
BUT = ("But: ", "On the downside: ", "Unfortunately: ", "Sadly: ")

#: How it turns from the bad to the good.
YET = ("To be fair: ", "On the bright side: ", "Still: ")

#: Things people write that must not be kept: addresses and numbers that belong to nobody.
PERSONAL = (
    " If anybody wants to swap colours, write to jo.walker@example.com.",
    " Call me on +1 202 555 0147 if you have questions about it.",
)
