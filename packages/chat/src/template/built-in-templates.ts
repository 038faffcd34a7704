/** Templates for bases that have learned no format of dialogues. */
export const chatTemplates = {
  /** ChatML, for tokenizers that have `<|im_start|>` and `<|im_end|>`. */
  chatml: `{% for message in messages %}{% if message['role'] == 'assistant' %}<|im_start|>assistant
{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}{{ '\\n' }}{% else %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`,
  /** Names and line feeds, which every tokenizer has; an answer ends with the tokenizer's `eos_token`. */
  plain: `{% for message in messages %}{% if message['role'] == 'assistant' %}Assistant:
{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}{{ '\\n' }}{% elif message['role'] == 'user' %}User:
{{ message['content'] }}

{% else %}{{ message['content'] }}

{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:
{% endif %}`,
} as const
