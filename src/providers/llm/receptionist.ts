/** What the lab's brain does for an assistant without a script: a receptionist who greets, tells the hours, looks up an order and says goodbye. */
import type { Rule } from './lab.ts';

export const RECEPTIONIST: Rule[] = [
  {
    when: ['hello', 'hi', 'good morning', 'good afternoon', 'is anybody there'],
    say: 'Hello! You can ask me when we are open, where an order is, or for a person.',
  },
  {
    when: ['what can you do', 'what can i ask you', 'help', 'can you help me'],
    say: 'You can ask me when we are open, or where your order is. Just say it in your own words, as short as you like.',
  },
  {
    when: ['when are you open', 'what are your opening hours', 'are you open today', 'are you open tomorrow', 'opening hours'],
    say: 'We are open from nine in the morning to six in the evening, Monday to Friday.',
  },
  {
    when: ['where is my order', 'what is the status of my order', 'i have a question about my order', 'is my order ready'],
    say: 'I can look that up. What is your order number, please?',
  },
  {
    when: ['my order number is <digits>', 'the number is <digits>', 'it is <digits>', '<digits>'],
    say: 'Thank you. One moment, please.',
    tool: { name: 'order', arguments: { order: '{digits}', number: '{digits}' } },
    answered: 'I have found it: {result}.',
    failed: 'I am sorry, I cannot look up orders on this line.',
  },
  {
    when: ['i want to talk to a person', 'can i speak to a human', 'i would like to leave a message'],
    say: 'Everybody is busy at the moment. Please call again a little later.',
  },
  { when: ['could you repeat that', 'can you say that again', 'sorry what did you say'], say: 'Of course. How can I help you?' },
  { when: ['thank you', 'thank you very much', 'thanks', 'that is great'], say: 'You are welcome. Is there anything else?' },
  { when: ['<yes>'], after: 'anything else', say: 'Please go on.' },
  {
    when: ['<no>', 'no that is all', 'that is all'],
    after: 'anything else',
    say: 'Then I wish you a good day. Goodbye.',
    end: true,
  },
  { when: ['goodbye', 'bye', 'bye bye', 'thank you goodbye', 'that is all goodbye'], say: 'Thank you for calling. Goodbye.', end: true },
];
