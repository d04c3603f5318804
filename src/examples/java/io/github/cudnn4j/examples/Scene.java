package io.github.cudnn4j.examples;

import module java.base;

import java.awt.Point;

/**
 * Things in some of the cells of a grid, no two of which look the same, a question about them and
 * its answer: "which row has the red square", or "which colour has the thing left of the red
 * square", which is in the next cell.
 */
record Scene(List<Thing> things, String question, String answer) {

  static final List<String> COLOURS = List.of("red", "green", "blue", "yellow");
  static final List<String> SHAPES = List.of("circle", "square", "triangle", "star");
  private static final List<String> NUMBERS = List.of("first", "second", "third");

  static final int SIDE = 3, THINGS = 5, FEATURES = COLOURS.size() + SHAPES.size() + 2 * SIDE;

  private static final Map<String, Point> PLACES =
      new TreeMap<>(
          Map.of(
              "left of", new Point(-1, 0),
              "right of", new Point(1, 0),
              "above", new Point(0, -1),
              "below", new Point(0, 1)));

  /** What is in a cell. */
  record Thing(String colour, String shape, Point cell) {
    /** Returns colour, shape, column and row, one-hot each. */
    private float[] vector() {
      var vector = new float[FEATURES];
      vector[COLOURS.indexOf(colour)] = 1;
      vector[COLOURS.size() + SHAPES.indexOf(shape)] = 1;
      vector[COLOURS.size() + SHAPES.size() + cell.x] = 1;
      vector[COLOURS.size() + SHAPES.size() + SIDE + cell.y] = 1;
      return vector;
    }
  }

  /** Draws scenes and asks about them. */
  static Stream<Scene> draw(Random random) {
    return Stream.generate(() -> scene(random)).filter(Objects::nonNull);
  }

  List<String> words() {
    return List.of(question.split(" "));
  }

  float[][] vectors() {
    return things.stream().map(Thing::vector).toArray(float[][]::new);
  }

  /** Returns all that can be an answer. */
  static List<String> answers() {
    return Stream.of(COLOURS, SHAPES, NUMBERS).flatMap(List::stream).toList();
  }

  /** Returns in how many cells both have the same. */
  int alike(Scene other) {
    return (int) things.stream().filter(new HashSet<>(other.things)::contains).count();
  }

  /** Null if a question leads to an empty cell. */
  private static Scene scene(Random random) {
    var cells = IntStream.range(0, SIDE * SIDE).boxed().collect(Collectors.toList());
    int count = COLOURS.size() * SHAPES.size();
    var looks = IntStream.range(0, count).boxed().collect(Collectors.toList());
    Collections.shuffle(cells, random);
    Collections.shuffle(looks, random);
    var things = new ArrayList<Thing>();
    for (int i = 0; i < THINGS; i++) {
      String colour = COLOURS.get(looks.get(i) / SHAPES.size());
      String shape = SHAPES.get(looks.get(i) % SHAPES.size());
      things.add(new Thing(colour, shape, new Point(cells.get(i) % SIDE, cells.get(i) / SIDE)));
    }
    Thing thing = things.get(random.nextInt(THINGS));
    String name = thing.colour + " " + thing.shape;
    if (random.nextBoolean()) {
      return ask(things, thing, random.nextInt(2), name);
    }
    String place = List.copyOf(PLACES.keySet()).get(random.nextInt(PLACES.size()));
    var cell = new Point(thing.cell);
    cell.translate(PLACES.get(place).x, PLACES.get(place).y);
    return things.stream()
        .filter(other -> other.cell.equals(cell))
        .findFirst()
        .map(other -> ask(things, other, random.nextInt(4), "thing " + place + " the " + name))
        .orElse(null);
  }

  private static Scene ask(List<Thing> things, Thing about, int kind, String name) {
    String asked = List.of("row", "column", "colour", "shape").get(kind);
    String answer =
        switch (kind) {
          case 0 -> NUMBERS.get(about.cell.y);
          case 1 -> NUMBERS.get(about.cell.x);
          case 2 -> about.colour;
          default -> about.shape;
        };
    return new Scene(things, "which " + asked + " has the " + name, answer);
  }

  /** How often the most frequent answer to a question is right, and that in the likest scene. */
  static Map<String, Double> naive(Stream<Scene> training, Stream<Scene> held) {
    var scenes = training.collect(Collectors.groupingBy(Scene::question));
    double frequent = 0, similar = 0, count = 0;
    for (Scene scene : held.toList()) {
      count++;
      var same =
          scenes.getOrDefault(
              scene.question, List.of(scenes.values().iterator().next().getFirst()));
      var counts =
          same.stream().collect(Collectors.groupingBy(Scene::answer, Collectors.counting()));
      String most = Collections.max(counts.entrySet(), Map.Entry.comparingByValue()).getKey();
      Scene likest = Collections.max(same, Comparator.comparing(scene::alike));
      frequent += most.equals(scene.answer) ? 1 : 0;
      similar += likest.answer.equals(scene.answer) ? 1 : 0;
    }
    return Map.of(
        "most frequent answer", frequent / count,
        "most similar scene", similar / count);
  }
}
