package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator.Pair;

/** Dates as people write and say them, and as ISO 8601 does. */
final class Dates {

  private static final List<String> ONES =
      List.of(
          ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
                  + " fifteen sixteen seventeen eighteen nineteen")
              .split(" "));
  private static final List<String> TENS =
      List.of("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety");
  private static final List<String> ORDINALS =
      List.of(
          ("zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh"
                  + " twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth"
                  + " nineteenth")
              .split(" "));

  private Dates() {}

  /** Makes a date of two centuries, written in one of many ways. */
  static Pair any(Random random) {
    var date = LocalDate.of(1900, 1, 1).plusDays(random.nextInt(73_049));
    String day =
        random.nextBoolean() ? ordinal(date.getDayOfMonth()) : suffixed(date.getDayOfMonth());
    String month = name(date, random.nextInt(4) == 0 ? "MMM" : "MMMM");
    String year = random.nextBoolean() ? year(date.getYear()) : "" + date.getYear();
    String weekday = random.nextBoolean() ? name(date, "EEEE") + ", " : "";
    String text =
        switch (random.nextInt(4)) {
          case 0 -> "the " + day + " of " + month + ", " + year;
          case 1 -> month + " the " + day + ", " + year;
          case 2 -> month + " " + date.getDayOfMonth() + ", " + year;
          default -> date.getDayOfMonth() + " " + month + " " + year;
        };
    return new Pair(weekday + text, date.toString());
  }

  private static String name(LocalDate date, String pattern) {
    return date.format(DateTimeFormatter.ofPattern(pattern, Locale.US)).toLowerCase(Locale.ROOT);
  }

  private static String year(int year) {
    int rest = year % 100;
    return year == 2000
        ? "two thousand"
        : year > 2000 && year < 2010
            ? "two thousand and " + number(rest)
            : number(year / 100)
                + (rest == 0 ? " hundred" : rest < 10 ? " oh " + number(rest) : " " + number(rest));
  }

  private static String number(int number) {
    return number < 20
        ? ONES.get(number)
        : TENS.get(number / 10) + (number % 10 == 0 ? "" : "-" + ONES.get(number % 10));
  }

  private static String ordinal(int number) {
    String tens = TENS.get(number / 10);
    return number < 20
        ? ORDINALS.get(number)
        : number % 10 == 0 ? tens.replace("y", "ieth") : tens + "-" + ORDINALS.get(number % 10);
  }

  private static String suffixed(int number) {
    int last = number / 10 == 1 ? 0 : number % 10;
    return number + (last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
  }
}
