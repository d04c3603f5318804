package io.github.cudnn4j.examples;

import module java.base;

/**
 * Things in some of the cells of a grid, no two of which look the same, a question about them and
 * its answer: "which row has the red square", or "which colour has the thing left of the red
 * square", which is in the next cell.
 */
record Scene(List<Thing> things, String question, String answer) {

  static final List<String> COLOURS = List.of("red", "green", "blue", "yellow");
  static final List<String> SHAPES = List.of("circle", "square", "triangle", "star");
  private static final List<String> NUMBERS = List.of("first", "second", "third");

  /** All that can be an answer. */
  static final List<String> ANSWERS =
      Stream.of(COLOURS, SHAPES, NUMBERS).flatMap(List::stream).toList();

  static final int SIDE = 3, THINGS = 5, FEATURES = COLOURS.size() + SHAPES.size() + 2 * SIDE;

  private static final Map<Cell, String> PLACES =
      Map.of(
          new Cell(-1, 0), "left of",
          new Cell(1, 0), "right of",
          new Cell(0, -1), "above",
          new Cell(0, 1), "below");

  /** A column and a row, or the way from one cell to another. */
  record Cell(int x, int y) {}

  /** What is in a cell. */
  record Thing(String colour, String shape, Cell cell) {
    private String name() {
      return colour + " " + shape;
    }

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

  /** Draws scenes and asks about them, half of the questions being of either kind. */
  static Stream<Scene> draw(Random random) {
    return Stream.generate(() -> scene(random)).flatMap(Optional::stream);
  }

  List<String> words() {
    return List.of(question.split(" "));
  }

  float[][] vectors() {
    return things.stream().map(Thing::vector).toArray(float[][]::new);
  }

  /** Returns which answer is right. */
  int label() {
    return ANSWERS.indexOf(answer);
  }

  /** Tells whether the thing asked about is not the one that the question names. */
  boolean isFar() {
    return question.contains("thing");
  }

  /** Returns in how many cells both have the same. */
  int alike(Scene other) {
    return (int) things.stream().filter(new HashSet<>(other.things)::contains).count();
  }

  /** None if nothing has a neighbour to ask about. */
  private static Optional<Scene> scene(Random random) {
    var cells = IntStream.range(0, SIDE * SIDE).boxed().collect(Collectors.toList());
    int count = COLOURS.size() * SHAPES.size();
    var looks = IntStream.range(0, count).boxed().collect(Collectors.toList());
    Collections.shuffle(cells, random);
    Collections.shuffle(looks, random);
    var things = new ArrayList<Thing>();
    for (int i = 0; i < THINGS; i++) {
      String colour = COLOURS.get(looks.get(i) / SHAPES.size());
      String shape = SHAPES.get(looks.get(i) % SHAPES.size());
      things.add(new Thing(colour, shape, new Cell(cells.get(i) % SIDE, cells.get(i) / SIDE)));
    }
    if (random.nextBoolean()) {
      Thing thing = things.getFirst();
      return Optional.of(ask(things, thing, random.nextInt(2), thing.name()));
    }
    var questions = new ArrayList<Scene>();
    for (Thing thing : things) {
      for (Thing other : things) {
        String place =
            PLACES.get(new Cell(other.cell.x - thing.cell.x, other.cell.y - thing.cell.y));
        if (place != null) {
          String name = "thing " + place + " the " + thing.name();
          questions.add(ask(things, other, 2 + random.nextInt(2), name));
        }
      }
    }
    Collections.shuffle(questions, random);
    return questions.stream().findFirst();
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

  /**
   * How often the most frequent answer to the same question is right, and that in the likest scene.
   */
  static Map<String, Double> naive(List<Scene> training, List<Scene> held) {
    var scenes = training.stream().collect(Collectors.groupingBy(Scene::question));
    double frequent = 0, similar = 0;
    for (Scene scene : held) {
      var same = scenes.getOrDefault(scene.question, training);
      var counts =
          same.stream().collect(Collectors.groupingBy(Scene::answer, Collectors.counting()));
      String most = Collections.max(counts.entrySet(), Map.Entry.comparingByValue()).getKey();
      Scene likest = Collections.max(same, Comparator.comparing(scene::alike));
      frequent += most.equals(scene.answer) ? 1 : 0;
      similar += likest.answer.equals(scene.answer) ? 1 : 0;
    }
    return Map.of(
        "most frequent answer", frequent / held.size(),
        "most similar scene", similar / held.size());
  }
}
