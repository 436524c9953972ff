import 'inloop/element';
