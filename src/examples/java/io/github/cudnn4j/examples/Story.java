package io.github.cudnn4j.examples;

import module java.base;

/**
 * Sentences, a question about them and its answer, in the form of bAbI's tasks 1 to 3, of which the
 * answer follows from one, two or three of the sentences, and 15, deduction.
 *
 * @see <a href="https://arxiv.org/abs/1502.05698">Weston et al., 2015</a>
 */
record Story(int task, List<String> sentences, String question, String answer) {

  private static final List<String> PEOPLE = List.of("mary", "john", "sandra", "daniel");
  private static final List<String> THINGS = List.of("apple", "milk", "football");
  private static final List<String> PLACES =
      List.of("kitchen", "garden", "office", "bathroom", "bedroom", "hallway");
  private static final Map<String, String> ANIMALS =
      Map.of("mouse", "mice", "wolf", "wolves", "cat", "cats", "sheep", "sheep");
  private static final List<String> NAMES = List.of("gertrude", "winona", "jessica", "emily");

  /** Tells stories of a task. */
  static List<Story> tell(int task, int count, RandomGenerator random) {
    return Stream.generate(() -> task == 15 ? deduction(random) : world(task, random))
        .filter(Objects::nonNull)
        .limit(count)
        .toList();
  }

  /** Returns all words, the answer among them. */
  List<String> words() {
    return List.of((String.join(" ", sentences) + " " + question + " " + answer).split(" "));
  }

  /** How often what is named last is right, of the words that can be an answer in a task. */
  static double baseline(List<Story> training, List<Story> held) {
    var answers =
        training.stream()
            .collect(
                Collectors.groupingBy(
                    Story::task, Collectors.mapping(Story::answer, Collectors.toSet())));
    Predicate<Story> right =
        story -> {
          var told = List.of(String.join(" ", story.sentences).split(" ")).reversed();
          var last = told.stream().filter(answers.get(story.task)::contains).findFirst();
          return last.equals(Optional.of(story.answer));
        };
    return (double) held.stream().filter(right).count() / held.size();
  }

  /** People go about and take things with them; null if what happens raises no question. */
  private static Story world(int task, RandomGenerator random) {
    var told = new ArrayList<String>();
    var where = new LinkedHashMap<String, String>();
    var holders = new HashMap<String, String>();
    var ways = new LinkedHashMap<String, List<String>>(); // the places of things, once taken
    int events = task == 1 ? random.nextInt(2, 11) : random.nextInt(6, 13);
    while (told.size() < events) {
      String who = one(PEOPLE, random);
      String thing = one(THINGS, random);
      String place = where.get(who);
      if (task == 1 || place == null || random.nextInt(3) == 0) {
        String next = one(PLACES, random);
        if (!next.equals(place)) {
          told.add(who + " went to the " + next);
          where.put(who, next);
          holders.forEach((held, holder) -> visit(ways, held, holder.equals(who) ? next : null));
        }
      } else if (who.equals(holders.get(thing))) {
        told.add(who + " dropped the " + thing);
        holders.remove(thing);
      } else if (!holders.containsKey(thing)
          && (!ways.containsKey(thing) || ways.get(thing).getLast().equals(place))) {
        told.add(who + " took the " + thing);
        holders.put(thing, who);
        visit(ways, thing, place);
      }
    }
    if (task == 1) {
      String who = one(List.copyOf(where.keySet()), random);
      return new Story(task, told, "where is " + who, where.get(who));
    }
    ways.values().removeIf(way -> way.size() < task - 1);
    if (ways.isEmpty()) {
      return null;
    }
    String thing = one(List.copyOf(ways.keySet()), random);
    var way = ways.get(thing);
    return task == 2
        ? new Story(task, told, "where is the " + thing, way.getLast())
        : new Story(
            task,
            told,
            "where was the " + thing + " before the " + way.getLast(),
            way.get(way.size() - 2));
  }

  private static void visit(Map<String, List<String>> ways, String thing, String place) {
    if (place != null) {
      var way = ways.computeIfAbsent(thing, _ -> new ArrayList<>());
      if (way.isEmpty() || !way.getLast().equals(place)) {
        way.add(place);
      }
    }
  }

  private static Story deduction(RandomGenerator random) {
    var kinds = new ArrayList<>(new TreeSet<>(ANIMALS.keySet()));
    var told = new ArrayList<String>();
    var afraid = new HashMap<String, String>();
    for (String kind : kinds) {
      String of = one(kinds.stream().filter(other -> !other.equals(kind)).toList(), random);
      afraid.put(kind, of);
      told.add(ANIMALS.get(kind) + " are afraid of " + ANIMALS.get(of));
    }
    Collections.shuffle(kinds, Random.from(random));
    for (int i = 0; i < NAMES.size(); i++) {
      told.add(NAMES.get(i) + " is a " + kinds.get(i));
    }
    Collections.shuffle(told, Random.from(random));
    int asked = random.nextInt(NAMES.size());
    return new Story(
        15, told, "what is " + NAMES.get(asked) + " afraid of", afraid.get(kinds.get(asked)));
  }

  private static String one(List<String> list, RandomGenerator random) {
    return list.get(random.nextInt(list.size()));
  }
}
