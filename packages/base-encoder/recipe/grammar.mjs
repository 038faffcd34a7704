/**
 * A small grammar of everyday English, written for this recipe.
 *
 * The public-domain books and speeches that npm packages carry hardly ever speak of phones, waiters or plots, so the
 * corpus is completed with sentences composed from the templates below. They carry no labels: the words are drawn
 * at random, so that the text says nothing about which of them are good or bad.
 */

const words = (text) => text.trim().replace(/\s+/g, ' ').split(', ')

export const SLOTS = {
  thing:
    words(`phone, headset, battery, charger, cable, case, screen, camera, keyboard, mouse, laptop, tablet, speaker,
    earpiece, microphone, adapter, plug, button, remote, television, radio, watch, clock, lamp, vacuum, blender, oven,
    kettle, toaster, fridge, knife, chair, table, sofa, mattress, pillow, blanket, shirt, jacket, dress, shoe, boot, bag,
    wallet, umbrella, toy, game, book, cartridge, printer, software, update, website, app, manual, instruction, package,
    box, lid, handle, strap, belt clip, cover, signal, reception, sound, volume, sound quality, picture, picture quality,
    design, material, plastic, leather, color, size, shape, weight, build quality, price, warranty, refund, shipping,
    delivery, order, seller, company, product, item, purchase, replacement, gadget, device, accessory, car, bicycle, tire,
    engine, seat, window, ticket, flight, train, hotel, room, bed, bathroom, shower, pool, lobby, view, neighborhood`),
  food: words(`food, meal, dinner, lunch, breakfast, brunch, buffet, appetizer, dessert, menu, special, dish, portion,
    burger, fries, pizza, pasta, steak, chicken, beef, pork, bacon, fish, salmon, shrimp, crab, sushi, taco, burrito,
    salsa, rice, noodles, soup, salad, sandwich, bread, toast, egg, pancake, cheese, sauce, gravy, potato, vegetables,
    fruit, cake, pie, ice cream, chocolate, cookie, donut, coffee, tea, beer, wine, cocktail, margarita, drink, water,
    curry, spice, seasoning, flavor, taste, texture, crust, meat, grill, wrap, pita, hummus, oil, butter, cream`),
  place:
    words(`restaurant, cafe, bar, pub, diner, bakery, steakhouse, deli, food truck, store, shop, mall, market,
    salon, gym, clinic, dentist, theater, cinema, museum, park, beach, airport, place, spot, joint, establishment,
    patio, table, booth, kitchen, counter, parking lot, atmosphere, ambiance, decor, music, location, city, town`),
  staff:
    words(`waiter, waitress, server, bartender, chef, cook, manager, owner, host, hostess, cashier, driver,
    receptionist, clerk, staff, service, customer service, team, crew, support, salesman, mechanic, doctor, teacher`),
  film: words(`movie, film, show, series, episode, documentary, cartoon, comedy, drama, thriller, horror film, western,
    sequel, remake, trailer, plot, story, storyline, script, screenplay, dialogue, scene, ending, beginning, acting,
    actor, actress, cast, performance, character, hero, villain, director, directing, production, camera work, editing,
    cinematography, soundtrack, score, song, music, special effects, costume, set, joke, humor, pace, atmosphere,
    suspense, twist, message, theme, role, lead, novel, chapter, author, writing, style`),
  quality:
    words(`good, bad, great, terrible, excellent, awful, amazing, horrible, wonderful, dreadful, fantastic,
    disappointing, perfect, useless, beautiful, ugly, nice, poor, lovely, nasty, awesome, lousy, superb, mediocre,
    brilliant, stupid, fine, cheap, solid, flimsy, sturdy, broken, reliable, defective, comfortable, uncomfortable, easy,
    difficult, fast, slow, quick, sluggish, clear, blurry, loud, quiet, crisp, muffled, bright, dim, light, heavy, clean,
    dirty, filthy, spotless, fresh, stale, tasty, delicious, bland, tasteless, flavorful, disgusting, juicy, dry, tender,
    tough, crispy, soggy, hot, cold, warm, lukewarm, greasy, salty, sweet, sour, bitter, raw, overcooked, undercooked,
    friendly, rude, polite, attentive, inattentive, helpful, unhelpful, professional, unprofessional, courteous,
    arrogant, patient, impatient, honest, dishonest, cozy, cramped, spacious, crowded, empty, noisy, peaceful, charming,
    tacky, elegant, sleek, trendy, outdated, modern, old, new, unique, generic, original, predictable, cliched, clever,
    dumb, smart, funny, hilarious, unfunny, boring, dull, exciting, thrilling, tedious, gripping, engaging, pointless,
    meaningful, moving, touching, sentimental, emotional, flat, deep, shallow, believable, unbelievable, convincing,
    ridiculous, absurd, silly, serious, intelligent, pathetic, lame, annoying, irritating, charming, delightful,
    enjoyable, unwatchable, memorable, forgettable, interesting, uninteresting, fascinating, confusing, coherent,
    incoherent, consistent, uneven, average, ordinary, extraordinary, exceptional, outstanding, remarkable,
    impressive, unimpressive, overrated, underrated, overpriced, inexpensive, affordable, expensive, worthless,
    valuable, worthwhile, flawless, faulty, accurate, inaccurate, responsive, unresponsive, durable, fragile, safe,
    dangerous, healthy, sick, happy, sad, angry, pleased, upset, satisfied, dissatisfied, thrilled, disappointed,
    impressed, frustrated, delighted, disgusted, excited, bored, surprised, shocked, worried, glad, sorry, decent,
    acceptable, unacceptable, okay, weak, strong, real, fake, wooden, natural, graceful, awkward, clumsy, smooth, rough`),
  degree:
    words(`very, really, so, too, extremely, quite, pretty, rather, incredibly, totally, absolutely, completely,
    somewhat, slightly, just, truly, simply, particularly, hardly, barely, not, never, always, not very, not too,
    not that, not so, far from, anything but, way too, kind of, a bit, a little, surprisingly, still, only, even`),
  feeling:
    words(`love, hate, like, dislike, enjoy, regret, recommend, avoid, miss, need, want, use, return, trust,
    appreciate, adore, despise, prefer, forget, remember, buy, skip, try, replace, keep, expect, deserve, watch, own`),
  felt: words(`loved, hated, liked, disliked, enjoyed, regretted, recommended, avoided, missed, needed, wanted, used,
    returned, trusted, appreciated, adored, tried, replaced, kept, expected, bought, ordered, received, watched, saw,
    left, visited, finished, dropped, broke, fixed, wasted, endured, tolerated, admired, praised, criticized, ignored`),
  does: words(`works, fails, breaks, lasts, stops working, holds up, falls apart, works great, works fine, does not work,
    never worked, died, freezes, crashes, charges, fits, does not fit, looks good, looks cheap, feels solid, feels cheap,
    sounds great, sounds awful, drops calls, keeps its charge, leaks, rocks, sucks, shines, disappoints, delivers,
    exceeds expectations, does the job, does its job, makes no sense, drags on, stands out, falls flat, tastes great,
    tastes bad, smells bad, is worth it, is not worth it, gets old, holds a charge, saves time, wastes time`),
  time: words(`today, yesterday, last night, last week, a month ago, after two days, after a week, within a year, again,
    every time, this time, next time, the first time, for years, for an hour, all day, so far, at first, in the end,
    right away, at once, for ten minutes, twice, once, in the past, forever, soon, this weekend, on Friday night`),
  person:
    words(`i, we, you, they, she, he, my wife, my husband, my son, my daughter, my friend, my friends, my family,
    my mother, everyone, no one, nobody, somebody, people, the kids, anyone, everybody, my boss, our party, my date`),
  worth:
    words(`a waste of time, a waste of money, a great deal, a bargain, a rip off, a joke, a must see, a must have, a
    disaster, a masterpiece, a mess, a treat, a pleasure, a disappointment, a mistake, a success, a failure, a classic,
    a winner, a hit, a miss, a shame, an insult, a pain, a blast, a bore, a gem, a letdown, a surprise, a relief,
    the best, the worst, one of the best, one of the worst, good enough, nothing special, top notch, second to none,
    junk, garbage, crap, trash, worth every penny, worth the money, worth the wait, worth a try, not worth it,
    better than expected, worse than expected, as described, not as described, out of this world, below average`),
}

export const TEMPLATES = `
the {subject} is {quality}
the {subject} was {quality}
the {subject} was {degree} {quality}
the {subject} is {degree} {quality}
{degree} {quality} {subject}
{quality} {subject}
{quality} {subject} and {quality} {subject}
{quality} {subject}, {quality} {subject}
a {quality} {subject}
what a {quality} {subject}
this {subject} {does}
this {subject} {does} and the {subject} is {quality}
the {subject} {does}, but the {subject} {does}
my {subject} {does} {time}
this is {worth}
this {subject} is {worth}
it was {worth}
the {subject} is {worth} and i {feeling} it
i {felt} this {subject}
i {felt} the {subject} {time}
{person} {felt} the {subject} and the {subject}
{person} {felt} it {time}
i {feeling} this {subject}
i do not {feeling} this {subject}
i would not {feeling} this {subject} to anyone
i would {feeling} this {subject} again
you will {feeling} this {subject}
you will not {feeling} it
do not {feeling} this {subject}
i will never {feeling} this {subject} again
we will {feeling} this {place} {time}
{person} thought the {subject} was {quality}
{person} thought the {subject} would be {degree} {quality}, and it was
i was {degree} {quality} with the {subject}
i am {degree} {quality} with this {subject}
not {quality} at all
the {subject} could have been more {quality}
the {subject} could not have been more {quality}
the {subject} is not as {quality} as the {subject}
more {quality} than {quality}
the {subject} was {quality} and {quality}
the {subject} was {quality} but {quality}
the {subject} was {quality}, {quality} and {degree} {quality}
there is nothing {quality} about the {subject}
there was something {quality} about the {subject}
if you {feeling} a {quality} {subject}, this is {worth}
if you {feeling} {subject}, you will {feeling} this
for the price, the {subject} is {quality}
overall, {degree} {quality}
overall, a {quality} {subject} with a {quality} {subject}
it has a {quality} {subject} and the {subject} {does}
{person} had a {quality} time at this {place}
the {staff} was {degree} {quality} and the {food} was {quality}
the {staff} took {time} to bring the {food}
the {staff} was {quality} when {person} {felt} the {food}
our {food} came out {quality} and {quality}
{person} had the {food} and the {food}, both {quality}
the {food} tasted {degree} {quality}
the {film} was {quality}, the {film} {degree} {quality}
the {film} and the {film} are {quality}
{person} {felt} every minute of this {film}
the {film} made {person} feel {quality}
one of the most {quality} {film} ever made
the most {quality} {subject} i have ever {felt}
the {thing} on this {thing} {does}
i {felt} this {thing} for my {thing} and it {does}
the {thing} arrived {time} and was {degree} {quality}
after {person} {felt} the {thing}, the {thing} {does}
it {does}
it {does} {time}
{worth}
{degree} {quality}
so {quality}, so {quality}
i have {felt} many {subject} but this one is {worth}
how can a {subject} be so {quality}
why is the {subject} so {quality}
wait until you see the {quality} {subject}
{quality} {place}, {quality} {staff}, {quality} {food}
the {place} is {quality} and the {staff} {felt} us
{person} {felt} ten dollars on this {quality} {subject}
i rate this {subject} {worth}
two thumbs up for the {quality} {subject}
the {subject} gets five stars
the {subject} gets one star
zero stars for the {subject}
`
  .trim()
  .split('\n')

/** The slots that `{subject}` stands for: one is drawn for a whole sentence, so that its topics belong together. */
export const SUBJECTS = ['thing', 'food', 'place', 'staff', 'film']
